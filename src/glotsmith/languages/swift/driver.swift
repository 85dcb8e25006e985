// One generated program. What it needs is a module of its own, whose names no candidate has. The candidate may have
// statements, imports and any argument labels; its names must not hide the types of the signature.
import GlotsmithSupport

typealias GlotsmithWanted = @{returns}
@{bindings}
glotsmithStart("@{mark}")
#sourceLocation(file: "candidate.swift", line: 1)
@{candidate}
#sourceLocation()
typealias GlotsmithEnd = Void
glotsmithLoaded()
@{cases}
glotsmithFinish()
