# The arguments stand before the candidate, which may then shadow anything.
import std/[options, sets, tables]
from glotsmith import nil

@{bindings}

glotsmith.start("@{mark}")
include "candidate.nim"
glotsmith.loaded()
@{cases}
glotsmith.finish()
