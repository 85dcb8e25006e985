# Builds FOLDER/driver.go with FOLDER/candidate.go, or FOLDER/main.go alone, by the compiler and linker themselves: the
# go command would take ten times as long. Usage: sh build.sh FOLDER PREPARED [main]
set -e
folder=$1 prepared=$2

compile() {
    path=$1
    shift
    "$prepared/tool/compile" -p "$path" -I . -I "$prepared/packages" -complete -o "$path.a" "$@"
}

if [ "$3" = main ]; then
    compile main "$folder/main.go"
else
    # The candidate's package may have any name; without a package clause, it gets one.
    name=$(awk '{
        line = $0
        while (1) {
            if (inside) {
                if (!(end = index(line, "*/"))) next
                line = substr(line, end + 2)
                inside = 0
            }
            sub(/^[ \t\r;]+/, "", line)
            if (line == "" || substr(line, 1, 2) == "//") next
            if (substr(line, 1, 2) != "/*") break
            line = substr(line, 3)
            inside = 1
        }
        if (match(line, /^package[ \t]+[A-Za-z0-9_]+/)) {
            split(line, words, /[ \t;\/]+/)
            print words[2]
        }
        exit
    }' "$folder/candidate.go")
    {
        [ -n "$name" ] || echo 'package main'
        echo '//line candidate.go:1'
        cat "$folder/candidate.go"
    } >candidate.go
    sed '/^\/\/cut/,$d' "$folder/driver.go" >arguments.go
    { echo "package ${name:-main}"; sed '1,/^\/\/cut/d' "$folder/driver.go"; } >calls.go
    printf 'package main\n\nimport _ "candidate"\n\nfunc main() {}\n' >main.go
    compile arguments arguments.go
    if ! compile candidate candidate.go calls.go >errors 2>&1; then
        # Where types do not match, the calls are made by reflection, with conversions.
        grep -q 'cannot use' errors || { cat errors >&2; exit 1; }
        call='glotsmith_\.Results(\([A-Za-z0-9_]*\)(\(.*\))) })$'
        check=$(sed -n "s/^.* return $call/glotsmith_.Check(\1, \2)/p" calls.go | head -n 1)
        sed -e "s/$call/glotsmith_.Call(\1, \2) })/" -e "s/^func init() {\$/&; $check/" calls.go >converted.go
        # A generic function has no one type: the arguments that do not match are converted to the types that the compiler names.
        named='s/.*cannot use arguments_\.A[0-9]+_([0-9]+) .* as (type )?(.*) in argument to .*'
        sed -nE "$named/s|arguments_\\\\.A[0-9]*_\\1\\\\b|glotsmith_.To[\\3](\\&)|g/p" errors | sort -u >conversions
        sed -nE "$named/s|^func init() {|\\&; glotsmith_.CheckTo[\\3](arguments_.A0_\\1)|/p" errors | sort -u >checks
        compile candidate candidate.go converted.go >again 2>&1 || {
            sed -f conversions calls.go | sed -f checks >converted.go
            compile candidate candidate.go converted.go >again 2>&1
        } || { cat errors >&2; exit 1; }
    fi
    compile main main.go
fi
"$prepared/tool/link" -s -w -L . -L "$prepared/packages" -o program main.a
