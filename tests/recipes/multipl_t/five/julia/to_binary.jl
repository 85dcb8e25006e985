function to_binary(n::Int64)::String
    return string(n; base = 2)
end
