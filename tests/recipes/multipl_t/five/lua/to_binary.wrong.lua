local function to_binary(n)
  if n < 0 then
    return "-" .. to_binary(-n)
  end
  if n < 2 then
    return tostring(n)
  end
  return n % 2 .. to_binary(n // 2)
end
