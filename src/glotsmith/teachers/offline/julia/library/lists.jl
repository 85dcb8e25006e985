function slice(xs, lower, upper, step = 1)
    n = length(xs)
    clamped(i, low, high) = clamp(i < 0 ? i + n : i, low, high)
    if step > 0
        first = lower === nothing ? 0 : clamped(lower, 0, n)
        last = upper === nothing ? n : clamped(upper, 0, n)
        return xs[first + 1:step:last]
    end
    first = lower === nothing ? n - 1 : clamped(lower, -1, n - 1)
    last = upper === nothing ? -1 : clamped(upper, -1, n - 1)
    return xs[first + 1:step:last + 2]
end
slice(s::AbstractString, lower, upper, step = 1) = join(slice(collect(s), lower, upper, step))

function max_by(f, xs)
    return xs[argmax([f(x) for x in xs])]
end

function min_by(f, xs)
    return xs[argmin([f(x) for x in xs])]
end

function first_or(xs, default)
    for x in xs
        return x
    end
    return default
end

function combinations(xs, n)
    n == 0 && return Any[()]
    return [(xs[i], rest...) for i in 1:length(xs) for rest in combinations(xs[i + 1:end], n - 1)]
end

function permutations(xs, n)
    n == 0 && return Any[()]
    others(i) = [xs[1:i - 1]; xs[i + 1:end]]
    return [(xs[i], rest...) for i in 1:length(xs) for rest in permutations(others(i), n - 1)]
end

function cartesian(vectors)
    isempty(vectors) && return Any[()]
    return [(x, rest...) for x in vectors[1] for rest in cartesian(vectors[2:end])]
end

function groups(f, xs)
    found = []
    for x in xs
        key = f(x)
        if isempty(found) || found[end][1] != key
            push!(found, (key, [x]))
        else
            push!(found[end][2], x)
        end
    end
    return found
end

pop_first(xs) = isempty(xs) ? throw(BoundsError(xs, 1)) : popfirst!(xs)

pop_last(xs) = isempty(xs) ? throw(BoundsError(xs, 1)) : pop!(xs)
