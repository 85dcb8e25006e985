# Loads candidate.jl beside it, calls the entry point once per argument tuple in calls.jl, prints typed results.
# The file job holds the mark and the entry point's name. As `driver.jl warm` it forks first (warm.jl). Functions called
# from `main` run in the world before the candidate: whatever methods it adds to Base, the driver keeps calling Base's own.
module GlotsmithDriver

const OUT = Ref{IOStream}()
const MARK = Ref{String}()
const MAX_DEPTH, MAX_BYTES, MAX_ERROR = 100, 1 << 26, 2000

leave(code) = ccall(:_exit, Cvoid, (Cint,), code)  # runs no atexit hook

function emit(parts...)
    write(OUT[], "\n", MARK[])
    for part in parts
        write(OUT[], " ", part)
    end
    write(OUT[], "\n")
    flush(OUT[])
end

function quoted(io, s)
    write(io, '"')
    for byte in codeunits(s)
        if byte == UInt8('"') || byte == UInt8('\\')
            write(io, '\\', byte)
        elseif byte < 0x20 || byte == 0x7f
            write(io, "\\u", string(byte, base = 16, pad = 4))
        else
            write(io, byte)
        end
    end
    write(io, '"')
end

other(io, what) = (write(io, "{\"x\":"); quoted(io, what); write(io, '}'))

function float(io, x)
    text = isnan(x) ? "nan" : isinf(x) ? (x > 0 ? "inf" : "-inf") : string(x)
    write(io, "{\"f\":\"", text, "\"}")
end

function items(io, values, depth)
    write(io, '[')
    first = true
    for x in values
        first || write(io, ',')
        first = false
        encode(io, x, depth + 1)
    end
    write(io, ']')
end

tagged(io, tag, values, depth) = (write(io, "{\"", tag, "\":"); items(io, values, depth); write(io, '}'))

function encode(io, @nospecialize(v), depth)
    position(io) > MAX_BYTES && error("the result is too large to print")
    if depth > MAX_DEPTH
        other(io, "too deep")
    elseif v === nothing
        write(io, "null")
    elseif v isa Bool
        write(io, v ? "true" : "false")
    elseif v isa Integer
        write(io, string(v))
    elseif v isa AbstractFloat
        float(io, Float64(v))
    elseif v isa AbstractString
        quoted(io, String(v))
    elseif v isa AbstractVector
        items(io, v, depth)
    elseif v isa Tuple
        tagged(io, "t", v, depth)
    elseif v isa AbstractDict
        tagged(io, "m", Any[Any[k, x] for (k, x) in v], depth - 1)
    elseif v isa AbstractSet
        tagged(io, "s", v, depth)
    else
        other(io, string(typeof(v)))
    end
end

function wire(@nospecialize(v))
    io = IOBuffer()
    encode(io, v, 0)
    return String(take!(io))
end

function text_of(error)
    text = try
        sprint(showerror, error)
    catch
        string(typeof(error))
    end
    return sprint(quoted, first(text, MAX_ERROR))
end

# The whole text is parsed before any of it runs.
function parse_all(text, file)
    tree = isdefined(Meta, :parseall) ? Meta.parseall(text; filename = file) : Base.parse_input_line(text; filename = file)
    parts = tree isa Expr && tree.head === :toplevel ? tree.args : Any[tree]
    for part in parts
        if part isa Expr && (part.head === :error || part.head === :incomplete)
            println(stderr, "candidate.jl: ", part.args...)
            leave(1)
        end
    end
    return parts
end

function fresh_module(name)
    scope = Module(name)
    Core.eval(scope, :(eval(x) = Core.eval($scope, x)))
    Core.eval(scope, :(include(path) = Base.include($scope, path)))
    return scope
end

# A name of Base is not the candidate's, unless it imported the name to add methods.
function entry_point(scope, name)
    isdefined(scope, name) || return nothing
    owned = !(Base.binding_module(scope, name) in (Base, Core))
    return owned || name in names(scope, all = true, imported = true) ? Some(getfield(scope, name)) : nothing
end

function load(parts)
    scope = fresh_module(:Candidate)
    try
        for part in parts
            Core.eval(scope, part)
        end
    catch error
        emit("raised", "load", text_of(error))
        leave(1)
    end
    return scope
end

function run_case(f, index, arguments)
    event, text = try
        "value", wire(Base.invokelatest(f, arguments...))
    catch error
        "raised", text_of(error)
    end
    emit(event, string(index), text)
end

# Judge the candidate in a folder, and leave unless told to stay.
function main(folder::String, stay::Bool)
    OUT[] = fdio(ccall(:dup, Cint, (Cint,), 1), false)
    MARK[], entry = split(read(joinpath(folder, "job"), String), '\n')
    scope = Module(:Arguments)
    calls = read(joinpath(folder, "calls.jl"), String)
    calls = Any[Core.eval(scope, x) for x in parse_all(calls, "calls.jl") if x isa Expr]
    parts = parse_all(read(joinpath(folder, "candidate.jl"), String), "candidate.jl")
    emit("start")
    f = entry_point(load(parts), Symbol(entry))
    if f === nothing
        emit("absent")
        stay || leave(1)
    end
    emit("loaded")
    for i in 1:length(calls)
        run_case(something(f), i - 1, calls[i])
    end
    emit("end")
    stay || leave(0)
end

# Fork (sandbox/fork_server). Julia speaks through copies of descriptors 0, 1 and 2, and all children would share one epoll
# instance: each gets its own, in the same places.
function become_fork_server()
    copies = map(s -> Base.cconvert(Cint, Base._fd(s)), (stdin, stdout, stderr))
    shared = ccall(:uv_backend_fd, Cint, (Ptr{Cvoid},), Base.eventloop())
    ccall(:fork, Cint, ())
    for i in 1:3
        ccall(:dup2, Cint, (Cint, Cint), i - 1, copies[i])
    end
    own = ccall(:epoll_create1, Cint, (Cint,), 0)
    ccall(:dup2, Cint, (Cint, Cint), own, shared)
    ccall(:close, Cint, (Cint,), own)
end

end

ARGS == ["warm"] && include("warm.jl")
GlotsmithDriver.main(@__DIR__, false)
