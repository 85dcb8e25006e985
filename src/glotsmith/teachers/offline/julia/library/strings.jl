function find(s, t, start = 0)
    skipped = first(s, start)
    found = findnext(t, s, ncodeunits(skipped) + 1)
    return found === nothing ? -1 : length(s, 1, first(found)) - 1
end

function rfind(s, t)
    isempty(t) && return length(s)
    found = findlast(t, s)
    return found === nothing ? -1 : length(s, 1, first(found)) - 1
end

function index_of(xs, x)
    found = findfirst(isequal(x), xs)
    return found === nothing ? throw(ArgumentError("not in list")) : found - 1
end
function index_of(s::AbstractString, t)
    found = find(s, t)
    return found < 0 ? throw(ArgumentError("substring not found")) : found
end

function partition(s, sep)
    parts = split(s, sep, limit = 2)
    return length(parts) == 2 ? (string(parts[1]), sep, string(parts[2])) : (s, "", "")
end

function rpartition(s, sep)
    parts = rsplit(s, sep, limit = 2)
    return length(parts) == 2 ? (string(parts[1]), sep, string(parts[2])) : ("", "", s)
end

function splitlines(s)
    lines = split(replace(s, "\r\n" => "\n"), r"[\n\r]")
    return isempty(lines[end]) ? lines[1:end - 1] : lines
end

swapcase(s) = map(c -> isuppercase(c) ? lowercase(c) : uppercase(c), s)

is_alnum(s) = !isempty(s) && all(c -> isletter(c) || isnumeric(c), s)

is_upper(s) = any(isuppercase, s) && !any(islowercase, s)

is_lower(s) = any(islowercase, s) && !any(isuppercase, s)

removeprefix(s, prefix) = startswith(s, prefix) ? chop(s, head = length(prefix), tail = 0) : s

removesuffix(s, suffix) = endswith(s, suffix) ? chop(s, tail = length(suffix)) : s

function zfill(s, width)
    sign = startswith(s, '-') || startswith(s, '+') ? s[1:1] : ""
    return sign * lpad(s[ncodeunits(sign) + 1:end], width - length(sign), '0')
end

function centered(s, width, fill)
    spaces = max(width - length(s), 0)
    return fill^(spaces ÷ 2) * s * fill^(spaces - spaces ÷ 2)
end

function center(s, width, fill = " ")
    spaces = max(width - length(s), 0)
    left = spaces ÷ 2 + (spaces & width & 1)
    return fill^left * s * fill^(spaces - left)
end
