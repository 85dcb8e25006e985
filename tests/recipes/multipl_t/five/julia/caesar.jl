function caesar(text::String, shift::Int64)::String
    function move(c)
        base = 'a' <= c <= 'z' ? 'a' : 'A' <= c <= 'Z' ? 'A' : return c
        return base + mod(c - base + shift, 26)
    end
    return map(move, text)
end
