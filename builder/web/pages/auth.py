"""Signing in and out, the one-time set-up, language, and a person's own account."""

from __future__ import annotations

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from builder.identity import (
    SignInRefused,
    TooManyAttempts,
    create_token,
    get_person,
    revoke_token,
    tokens_of,
    update_person,
)
from builder.rights.looking import end_look
from builder.runtime.calendar_entries import feed_since
from builder.web import security
from builder.web.context import _, change, require_person, site
from builder.web.i18n import LANGUAGES
from builder.web.notices import notify
from builder.web.person_form import absence, save_absence
from builder.web.wording import problem_text
from engines.core import AccessDenied, InputError

blueprint = Blueprint("auth", __name__)


def local_target(target: str | None) -> str:
    """``target`` where it is an address of this site, else the home page: no open redirect."""
    if target and target.startswith("/") and not target.startswith(("//", "/\\")) and "\n" not in target:
        return target
    return url_for("home.index")


@blueprint.get("/login")
def login() -> BaseResponse | str:
    """The sign-in page; the set-up page while the workspace has nobody."""
    if site().signed_in:
        return redirect(local_target(request.args.get("next")))
    if site().identity.setup_open():
        return redirect(url_for("auth.setup"))
    return _login_page()


def _login_page(problem: str = "", login: str = "", status: int = 200) -> Response:
    next_page = request.values.get("next", "")
    return make_response(render_template("pages/login.html", problem=problem, login=login, next=next_page), status)


@blueprint.post("/login")
def sign_in() -> BaseResponse:
    """Starts a session, or says that name and password do not fit, never which of them."""
    login = request.form.get("login", "")
    try:
        token = site().identity.sign_in(
            login,
            request.form.get("password", ""),
            address=request.remote_addr or "",
            agent=request.user_agent.string,
        )
    except SignInRefused:
        return _login_page(_("Name or password is wrong."), login, 403)
    except TooManyAttempts as error:
        wait = site().formats.instant(error.until)
        response = _login_page(_("Too many attempts. Try again after %(time)s.", time=wait), login, 429)
        return response
    response = make_response(redirect(local_target(request.form.get("next"))))
    security.set_cookie(response, security.SESSION_COOKIE, token, days=site().workspace.settings.session_days)
    response.delete_cookie(security.VISITOR_COOKIE, path=request.script_root or "/")
    return response


@blueprint.post("/logout")
def logout() -> BaseResponse:
    """Ends the session."""
    here = site()
    if here.signed_in:
        here.identity.sign_out(here.signed_in)
    response = make_response(redirect(url_for("auth.login")))
    response.delete_cookie(security.SESSION_COOKIE, path=request.script_root or "/")
    return response


@blueprint.route("/setup", methods=["GET", "POST"])
def setup() -> BaseResponse | str:
    """Makes the first administrator, with the token that was printed when the workspace was made."""
    here = site()
    if not here.identity.setup_open():
        return redirect(url_for("auth.login"))
    if request.method == "GET":
        return render_template("pages/setup.html", form={"token": request.args.get("token", "")}, problem="")
    form = request.form
    try:
        here.identity.set_up(
            form.get("token", "").strip(),
            login=form.get("login", "").strip(),
            name=form.get("name", "").strip(),
            password=form.get("password", ""),
        )
    except InputError as error:
        problem, status = " ".join(problem_text(item, here.locale) for item in error.problems), 422
    except AccessDenied:
        problem, status = _("The set-up token is not right."), 403
    else:
        notify(_("The workspace is ready. Sign in now."))
        return redirect(url_for("auth.login"))
    return make_response(render_template("pages/setup.html", form=form, problem=problem), status)


@blueprint.post("/look/end")
def look_end() -> BaseResponse:
    """Ends an admin's look through somebody's eyes."""
    signed_in, look = site().signed_in, site().look
    if signed_in is None or signed_in.session is None or look is None:
        abort(404)
    session = signed_in.session
    site().workspace.run(lambda work: end_look(work, session), signed_in.principal, command="rights.look_end")
    return redirect(url_for("admin.person_rights", id=look.principal.id))


@blueprint.post("/language")
def language() -> BaseResponse:
    """Switches the language: for this browser, and for the person who is signed in."""
    wanted = request.form.get("locale", "")
    here = site()
    response = make_response(redirect(local_target(request.form.get("next"))))
    if wanted not in LANGUAGES:
        return response
    person = here.principal.id
    if person is not None:
        change(lambda work: update_person(work, person, locale=wanted), "identity.language")
    security.set_cookie(response, "dg_locale", wanted, days=365)
    return response


@blueprint.get("/account")
def account() -> BaseResponse | str:
    """The person's own page: password, API tokens."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    return account_page()


def account_page(problem: str = "", token: str = "", feed: str = "", status: int = 200) -> Response:
    """The page, with a new token or the address of a new feed, which are shown this once."""
    here = site()
    assert here.principal.id is not None  # noqa: S101 - require_person held
    with here.workspace.read(here.principal) as work:
        tokens = [item for item in tokens_of(work.connection, here.principal.id) if item.revoked_at is None]
        me = get_person(work.connection, here.principal.id)
        since = feed_since(work.connection, here.principal.id)
    page = render_template(
        "pages/account.html",
        problem=problem,
        token=token,
        tokens=tokens,
        absence=absence(me),
        feed=feed,
        feed_since=since,
    )
    return make_response(page, status)


@blueprint.post("/account/password")
def password() -> BaseResponse:
    """Changes the person's password; their other visits end."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    here = site()
    assert here.signed_in is not None  # noqa: S101 - require_person held
    try:
        token = here.identity.change_password(here.signed_in, request.form.get("old", ""), request.form.get("new", ""))
    except InputError as error:
        return account_page(" ".join(problem_text(item, here.locale) for item in error.problems), status=422)
    notify(_("Your password is changed. Other visits were ended."))
    response = make_response(redirect(url_for("auth.account")))
    security.set_cookie(response, security.SESSION_COOKIE, token, days=here.workspace.settings.session_days)
    return response


@blueprint.post("/account/away")
def away() -> BaseResponse:
    """Says when the person is away and who stands in for them."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    person = site().principal.id
    assert person is not None  # noqa: S101 - require_person held
    try:
        change(lambda work: save_absence(work, person, request.form), "identity.absence")
    except InputError as error:
        return account_page(" ".join(problem_text(item, site().locale) for item in error.problems), status=422)
    notify(_("Saved."))
    return redirect(url_for("auth.account"))


@blueprint.post("/account/tokens")
def new_token() -> BaseResponse:
    """Makes an API token and shows it once."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    person = site().principal.id
    assert person is not None  # noqa: S101 - require_person held
    scope, label = request.form.get("scope", "read"), request.form.get("label", "").strip() or "API"
    token = change(lambda w: create_token(w, person_id=person, label=label, scopes=[scope]), "identity.token_create")
    return account_page(token=token)


@blueprint.post("/account/tokens/<uuid:id>/revoke")
def end_token(id) -> BaseResponse:  # type: ignore[no-untyped-def]
    """Ends an API token."""
    if refused := require_person():
        return refused  # type: ignore[no-any-return]
    change(lambda work: revoke_token(work, id), "identity.token_revoke")
    notify(_("The token no longer works."))
    return redirect(url_for("auth.account"))
