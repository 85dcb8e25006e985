function balanced(text::String)::Bool
    partner = Dict(')' => '(', ']' => '[', '}' => '{')
    stack = Char[]
    for c in text
        if c in "([{"
            push!(stack, c)
        elseif haskey(partner, c)
            isempty(stack) && return false
            pop!(stack)
        end
    end
    return isempty(stack)
end
