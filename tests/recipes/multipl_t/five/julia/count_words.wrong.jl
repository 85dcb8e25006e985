function count_words(text::String)::Dict{String, Int64}
    counts = Dict{String, Int64}()
    for word in split(text, ' ')
        counts[word] = get(counts, word, 0) + 1
    end
    return counts
end
