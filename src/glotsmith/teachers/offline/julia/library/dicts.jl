mutable struct OrderedDict{K, V} <: AbstractDict{K, V}
    order::Vector{K}
    items::Dict{K, V}
    OrderedDict{K, V}() where {K, V} = new{K, V}(K[], Dict{K, V}())
    function OrderedDict{K, V}(pairs...) where {K, V}
        d = OrderedDict{K, V}()
        for x in (length(pairs) == 1 && !(pairs[1] isa Pair) ? pairs[1] : pairs)
            d[x[1]] = x[2]
        end
        return d
    end
end
Base.length(d::OrderedDict) = length(d.order)
Base.haskey(d::OrderedDict, k) = haskey(d.items, k)
Base.get(d::OrderedDict, k, default) = get(d.items, k, default)
Base.getindex(d::OrderedDict, k) = d.items[k]
Base.iterate(d::OrderedDict, i = 1) = i > length(d.order) ? nothing : (d.order[i] => d.items[d.order[i]], i + 1)
function Base.setindex!(d::OrderedDict, v, k)
    haskey(d.items, k) || push!(d.order, k)
    d.items[k] = v
    return d
end
function Base.get!(d::OrderedDict, k, default)
    haskey(d.items, k) || (d[k] = default)
    return d.items[k]
end
function Base.delete!(d::OrderedDict, k)
    filter!(x -> !isequal(x, k), d.order)
    delete!(d.items, k)
    return d
end
function Base.pop!(d::OrderedDict, k, default...)
    value = pop!(d.items, k, default...)
    filter!(x -> !isequal(x, k), d.order)
    return value
end
Base.copy(d::OrderedDict{K, V}) where {K, V} = OrderedDict{K, V}(d)
function Base.empty!(d::OrderedDict)
    empty!(d.order)
    empty!(d.items)
    return d
end

function counter(items, T = Any)
    counts = Dict{T, Int64}()
    for x in items
        key = x isa Char ? string(x) : x
        counts[key] = get(counts, key, 0) + 1
    end
    return counts
end
