"""Passwords: argon2id (RFC 9106), and what is asked of a new one (NIST SP 800-63B §3.1.1)."""

from __future__ import annotations

import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from engines.core import InputError, InputProblem

MINIMUM_LENGTH = 10
# Longer ones are refused, so that nobody makes the server hash a megabyte.
MAXIMUM_LENGTH = 200
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


class Passwords:
    """Hashes and checks passwords at the cost that the settings state."""

    def __init__(self, memory_kib: int = 65536) -> None:
        self._hasher = PasswordHasher(memory_cost=memory_kib, parallelism=1)
        self._decoy = self._hasher.hash(secrets.token_hex(16))

    def hash(self, password: str) -> str:
        """The argon2id hash, with a salt of its own."""
        return self._hasher.hash(password)

    def matches(self, stored: str, password: str) -> bool:
        """Whether ``password`` is the one hashed; an empty ``stored`` takes as long and never matches."""
        try:
            self._hasher.verify(stored or self._decoy, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return bool(stored)

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than is asked for now."""
        return self._hasher.check_needs_rehash(stored)


def require_strong(password: str, login: str, pointer: str = "/password") -> None:
    """``InputError`` where a new password is too short, too long, holds the login or is one character repeated."""
    code = ""
    if len(password) < MINIMUM_LENGTH:
        code = "identity.password_short"
    elif len(password) > MAXIMUM_LENGTH:
        code = "identity.password_long"
    elif (login and login.lower() in password.lower()) or len(set(password)) < 4:
        code = "identity.password_weak"
    if code:
        limits = {"min": MINIMUM_LENGTH, "max": MAXIMUM_LENGTH}
        raise InputError([InputProblem(pointer=pointer, code=code, params=limits)])


def random_password() -> str:
    """A password to be read from a screen once: four groups of four, 80 bits, without letters that look alike."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))
