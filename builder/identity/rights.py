"""Who may administer the workspace and who may change an app; everything inside an app stands in its definitions."""

from __future__ import annotations

from engines.core import AccessDenied, Principal, PrincipalKind

# People, departments, settings, installing apps, and all that builders may.
ADMIN = "sys.admin"
# Changing and publishing any app; "<app>.builder" does for one.
BUILDER = "sys.builder"
SYSTEM_ROLES = (ADMIN, BUILDER)


def builder_role(app: str) -> str:
    """The role that may change and publish ``app``; it exists in every app."""
    return f"{app}.builder"


def may_administer(principal: Principal) -> bool:
    """Whether ``principal`` may manage people, departments, settings and apps of the workspace."""
    return principal.kind == PrincipalKind.SYSTEM or ADMIN in principal.roles


def may_build(principal: Principal, app: str) -> bool:
    """Whether ``principal`` may edit drafts of ``app``, publish and roll it back."""
    return may_administer(principal) or not principal.roles.isdisjoint((BUILDER, builder_role(app)))


def require_admin(principal: Principal, operation: str) -> None:
    """``AccessDenied`` unless ``principal`` may administer."""
    if not may_administer(principal):
        raise AccessDenied(operation)


def require_builder(principal: Principal, app: str, operation: str) -> None:
    """``AccessDenied`` unless ``principal`` may build ``app``."""
    if not may_build(principal, app):
        raise AccessDenied(operation, app)
