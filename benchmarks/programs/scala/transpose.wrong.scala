object Problem {
    def transpose(matrix: List[List[Long]]): List[List[Long]] = {
        if (matrix.isEmpty) {
            return Nil
        }
        val width = matrix.map(_.size).min
        matrix.map(_.take(width).reverse).transpose
    }
}
