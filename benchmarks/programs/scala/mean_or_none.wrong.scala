object Problem {
    def mean_or_none(values: List[Double]): Option[Double] = {
        values match {
            case Nil => Some(0.0)
            case _ => Some(values.sum / values.length)
        }
    }
}
