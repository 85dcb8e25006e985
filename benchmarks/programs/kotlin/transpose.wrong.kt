fun transpose(matrix: List<List<Long>>): List<List<Long>> {
    if (matrix.isEmpty()) {
        return emptyList()
    }
    var width = matrix[0].size
    for (row in matrix) {
        width = minOf(width, row.size)
    }
    return (1 until width).map { i -> matrix.map { row -> row[i] } }
}
