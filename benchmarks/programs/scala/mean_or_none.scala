object Problem {
    def mean_or_none(values: List[Double]): Option[Double] = {
        values match {
            case Nil => None
            case _ => Some(values.sum / values.length)
        }
    }
}
