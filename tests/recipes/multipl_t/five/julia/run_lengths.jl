function run_lengths(text::String)::Vector{Tuple{String, Int64}}
    runs = Tuple{String, Int64}[]
    for c in string.(collect(text))
        if !isempty(runs) && runs[end][1] == c
            runs[end] = (c, runs[end][2] + 1)
        else
            push!(runs, (c, 1))
        end
    end
    return runs
end
