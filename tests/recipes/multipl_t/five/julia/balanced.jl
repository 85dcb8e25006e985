function balanced(text::String)::Bool
    partner = Dict(')' => '(', ']' => '[', '}' => '{')
    stack = Char[]
    for c in text
        if c in "([{"
            push!(stack, c)
        elseif haskey(partner, c)
            (isempty(stack) || pop!(stack) != partner[c]) && return false
        end
    end
    return isempty(stack)
end
