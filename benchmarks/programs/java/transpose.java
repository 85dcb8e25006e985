import java.util.*;
import java.util.stream.*;

class Problem {
    public static ArrayList<ArrayList<Long>> transpose(ArrayList<ArrayList<Long>> matrix) {
        ArrayList<ArrayList<Long>> columns = new ArrayList<>();
        int width = matrix.stream().mapToInt(List::size).min().orElse(0);
        for (int i = 0; i < width; i++) {
            ArrayList<Long> column = new ArrayList<>();
            for (ArrayList<Long> row : matrix) {
                column.add(row.get(i));
            }
            columns.add(column);
        }
        return columns;
    }
}
