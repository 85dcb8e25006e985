local function min_max(xs)
  if #xs == 0 then
    return nil
  end
  return { math.min(table.unpack(xs)), math.max(table.unpack(xs)) }
end
