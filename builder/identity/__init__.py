"""People, departments, roles, sign-in: who a request acts as."""

from builder.identity.departments import (
    Department,
    all_departments,
    create_department,
    departments_of,
    move_department,
    update_department,
)
from builder.identity.directory import DatabaseDirectory
from builder.identity.identity import Identity, SignedIn, SignInRefused
from builder.identity.passwords import Passwords, random_password, require_strong
from builder.identity.people import (
    Person,
    create_person,
    find_person,
    get_person,
    list_people,
    roles_of,
    set_active,
    set_departments,
    set_password,
    set_roles,
    update_person,
)
from builder.identity.principals import principal_of, public_principal
from builder.identity.rights import (
    ADMIN,
    BUILDER,
    SYSTEM_ROLES,
    builder_role,
    may_administer,
    may_build,
    require_admin,
    require_builder,
)
from builder.identity.throttle import TooManyAttempts
from builder.identity.tokens import ApiToken, allows, create_token, revoke_token, tokens_of

__all__ = [
    "ADMIN",
    "BUILDER",
    "SYSTEM_ROLES",
    "ApiToken",
    "DatabaseDirectory",
    "Department",
    "Identity",
    "Passwords",
    "Person",
    "SignInRefused",
    "SignedIn",
    "TooManyAttempts",
    "all_departments",
    "allows",
    "builder_role",
    "create_department",
    "create_person",
    "create_token",
    "departments_of",
    "find_person",
    "get_person",
    "list_people",
    "may_administer",
    "may_build",
    "move_department",
    "principal_of",
    "public_principal",
    "random_password",
    "require_admin",
    "require_builder",
    "require_strong",
    "revoke_token",
    "roles_of",
    "set_active",
    "set_departments",
    "set_password",
    "set_roles",
    "tokens_of",
    "update_department",
    "update_person",
]
