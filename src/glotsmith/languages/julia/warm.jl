# Run what programs run, so that it is compiled already when they do; then fork (sandbox/fork_server).
let folder = mktempdir()
    write(joinpath(folder, "job"), "warm\nf\n")
    write(joinpath(folder, "calls.jl"), """
        Any[Int64[3, 1, 2], "b, a", Dict{String, Int64}("a" => 1), Float64[1.5], String["x", "y"]]
        Any[Vector{Int64}[Int64[1]], "a", Dict{String, Vector{Int64}}(), Float64[], String[]]
        Any[nothing, (1, "a"), Dict{Int64, String}(1 => "a"), Set{Int64}(Int64[1]), true]
        """)
    write(joinpath(folder, "candidate.jl"), """
        function g(xs::Vector{Int64}, s::String, d::Dict{String, Int64}, ys::Vector{Float64}, ss::Vector{String})::Vector{Any}
            seen, out = Dict{Int64, Int64}(), Int64[]
            for (i, x) in enumerate(xs)
                seen[x] = get(seen, x, 0) + 1
                x in out || push!(out, x)
                i % 2 == 0 && continue
            end
            counts = Dict{Char, Int64}()
            for c in s
                counts[c] = get(counts, c, 0) + 1
            end
            words = [uppercase(w) for w in split(s, ", ")]
            parts = string.(xs)
            keys_ = sort(collect(keys(d)))
            return Any[sort(xs), sort(xs, rev = true), reverse(xs), sum(xs), maximum(xs), length(s), join(words, " "), join(ss, "-"),
                       join(parts, ","), [x^2 for x in xs if x > 1], keys_, haskey(d, "a"), sum(ys), sqrt(ys[1]), floor(Int64, ys[1]),
                       replace(s, "a" => "b"), strip(s), startswith(s, "b"), string(xs[1], s, ys[1]), repeat("a", 2), parse(Int64, "12"),
                       filter(x -> x > 1, xs), map(x -> x + 1, xs), collect(1:3), xs[2:end], s[1:1], reverse(s), lowercase(s),
                       Set(xs), (1, 2.5, "a"), nothing, isempty(xs), any(x -> x > 1, xs), all(iseven, xs), div(7, 2), mod(-7, 2),
                       sort(ss, by = length), vcat(xs, [1]), unique(xs), findfirst(isequal(1), xs), counts, seen, d, zeros(Int64, 2),
                       occursin("a", s), isdigit(s[1]), Int(s[1]), Char(97), round(ys[1], digits = 1), abs(-1), min(1, 2), append!([1], xs),
                       pop!(copy(xs)), first(xs), last(xs), zip(xs, ss) |> collect, [(a, b) for a in xs for b in xs][1], minimum(ys)]
        end
        g(a, b, c, d, e) = [a, b, c, d, e]
        function f(a, b, c, d, e)
            a === nothing && error("no")
            return g(a, b, c, d, e)
        end
        """)
    redirect_stdout(open("/dev/null", "w")) do
        GlotsmithDriver.main(folder, true)
    end
    rm(folder, recursive = true)
end
GC.gc()
precompile(GlotsmithDriver.become_fork_server, ())
ENV["GLOTSMITH_FORK"] = "1"
GlotsmithDriver.become_fork_server()
