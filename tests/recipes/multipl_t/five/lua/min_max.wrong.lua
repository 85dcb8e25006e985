local function min_max(xs)
  if #xs == 0 then
    return nil
  end
  return { xs[1], xs[#xs] }
end
