local function transpose(matrix)
  local width = matrix[1] and math.huge or 0
  for _, row in ipairs(matrix) do
    width = #matrix[1]
  end
  local columns = {}
  for i = 1, width do
    columns[i] = {}
    for j, row in ipairs(matrix) do
      columns[i][j] = row[i]
    end
  end
  return columns
end
