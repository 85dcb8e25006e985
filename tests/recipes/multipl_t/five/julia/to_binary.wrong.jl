function to_binary(n::Int64)::String
    return string(n; base = 2, pad = 4)
end
