function flatten_rows(rows::Vector{Vector{Int64}}, skip_negative::Bool)::Vector{Int64}
    flat = Int64[]
    for row in rows, number in row
        if number >= 0 || !skip_negative
            pushfirst!(flat, number)
        end
    end
    return flat
end
