truthy(x) = x !== nothing && x !== false
truthy(x::Number) = x != 0
truthy(x::Union{AbstractString, AbstractVector, AbstractDict, AbstractSet, Tuple}) = !isempty(x)

position(xs, i) = i >= 0 ? i + 1 : length(xs) + i + 1

item(xs, i) = xs[position(xs, i)]
item(s::AbstractString, i) = string(collect(s)[position(s, i)])
item(d::AbstractDict, key) = d[key]

has(xs, x) = x in xs
has(s::AbstractString, x) = occursin(x, s)
has(d::AbstractDict, x) = haskey(d, x)

items_of(xs) = xs
items_of(s::AbstractString) = string.(collect(s))
items_of(d::AbstractDict) = collect(keys(d))

plus(a, b) = a + b
plus(a::AbstractString, b) = a * b
plus(a::AbstractVector, b) = vcat(a, b)
plus(a::Tuple, b) = (a..., b...)

times(a, b) = a * b
times(a::AbstractString, b) = a^max(b, 0)
times(a::AbstractVector, b) = repeat(a, max(b, 0))

divide(a, b) = b == 0 ? throw(DivideError()) : a / b

to_int(x) = trunc(Int64, x)
to_int(s::AbstractString) = parse(Int64, replace(strip(s), r"(?<=\d)_(?=\d)" => ""), base = 10)

to_float(x) = Float64(x)
to_float(s::AbstractString) = occursin(r"[xXpPfF]\d", s) ? throw(ArgumentError("not a float")) : parse(Float64, strip(s))

bit_length(n) = n == 0 ? 0 : ndigits(n, base = 2)

isqrt(n) = isqrt_from(n, floor(Int64, sqrt(n)))

isqrt_from(n, root) = root * root > n ? root - 1 : (root + 1)^2 <= n ? root + 1 : root

function round_digits(x, digits)
    isfinite(x) || return x
    digits < 0 && return Float64(round(big(x) / big(10)^-digits) * big(10)^-digits)
    return Float64(round(big(x) * big(10)^digits) / big(10)^digits)
end
round_digits(x::Integer, digits) = digits < 0 ? throw(ArgumentError("digits of an integer")) : x

floor_divide(a, b) = b == 0 ? throw(DivideError()) : fld(a, b)

modulo(a, b) = b == 0 ? throw(DivideError()) : mod(a, b)
