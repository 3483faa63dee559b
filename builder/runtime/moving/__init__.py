"""When somebody moves or leaves: what they have is counted, chosen by an admin, and moved by a journalled job."""

from builder.runtime.moving.moves import JOB, Move, advance, begin_move, carry_out, get_move, moves_of, perform
from builder.runtime.moving.parts import PARTS, Having, having

__all__ = [
    "JOB",
    "PARTS",
    "Having",
    "Move",
    "advance",
    "begin_move",
    "carry_out",
    "get_move",
    "having",
    "moves_of",
    "perform",
]
