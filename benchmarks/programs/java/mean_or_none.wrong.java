import java.util.*;
import java.util.stream.*;

class Problem {
    public static Optional<Double> mean_or_none(ArrayList<Double> values) {
        if (values.isEmpty()) {
            return Optional.of(0.0);
        }
        double total = 0.0;
        for (double value : values) {
            total += value;
        }
        return Optional.of(total / values.size());
    }
}
