function float_text(x)
    isfinite(x) || return isnan(x) ? "nan" : x > 0 ? "inf" : "-inf"
    m = match(r"^(-?)(\d+)\.(\d+)(?:e(-?\d+))?$", string(x))
    m[4] === nothing && return string(x)
    power = parse(Int64, m[4])
    digits = m[2] * (m[3] == "0" ? "" : m[3])
    if 0 <= power < 16
        digits = rpad(digits, power + 1, '0')
        rest = digits[power + 2:end]
        return m[1] * digits[1:power + 1] * "." * (isempty(rest) ? "0" : rest)
    elseif -5 < power < 0
        return m[1] * "0." * "0"^(-power - 1) * digits
    end
    point = length(digits) > 1 ? digits[1:1] * "." * digits[2:end] : digits
    return m[1] * point * "e" * (power < 0 ? "-" : "+") * lpad(abs(power), 2, '0')
end
float_text(x::Integer) = string(x)

represent(x) = string(x)
represent(x::Nothing) = "None"
represent(x::Bool) = x ? "True" : "False"
represent(x::AbstractFloat) = float_text(x)
represent(s::AbstractString) = quoted(s)
represent(xs::AbstractVector) = "[" * join(map(represent, xs), ", ") * "]"
represent(xs::Tuple) = "(" * join(map(represent, xs), ", ") * (length(xs) == 1 ? ",)" : ")")
represent(d::Union{Dict, Set}) = length(d) > 1 ? error("the order is not known") : represent_items(d)
represent(d::AbstractDict) = represent_items(d)

represent_items(d) = "{" * join([represent(k) * ": " * represent(v) for (k, v) in d], ", ") * "}"
represent_items(s::AbstractSet) = isempty(s) ? "set()" : "{" * join(map(represent, collect(s)), ", ") * "}"

function quoted(s)
    mark = occursin("'", s) && !occursin("\"", s) ? "\"" : "'"
    s = replace(replace(replace(replace(s, "\\" => "\\\\"), "\n" => "\\n"), "\t" => "\\t"), "\r" => "\\r")
    return mark * (mark == "'" ? replace(s, "'" => "\\'") : s) * mark
end

str(x) = represent(x)
str(s::AbstractString) = s

function grouped(n)
    digits = string(abs(n))
    parts = [digits[max(i - 2, 1):i] for i in length(digits):-3:1]
    return (n < 0 ? "-" : "") * join(reverse(parts), ",")
end

with_base(n, base, prefix) = (n < 0 ? "-" : "") * prefix * string(abs(n), base = base)
