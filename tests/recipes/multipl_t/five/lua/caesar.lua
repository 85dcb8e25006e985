local function caesar(text, shift)
  return (text:gsub("%a", function(c)
    local base = c:find("%l") and 97 or 65
    return string.char((c:byte() - base + shift) % 26 + base)
  end))
end
