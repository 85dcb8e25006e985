# Builds FOLDER/driver.hs with FOLDER/candidate.hs, or FOLDER/main.hs alone. Usage: sh build.sh FOLDER PREPARED [main]
#
# The candidate may be any module, or none, and may export what it likes: its header is replaced by ours, and added
# where there is none, after pragmas and comments and without moving what follows.
set -e
if [ "$3" = main ]; then
    set -- "$1/main.hs"
else
    awk '
        { text = text $0 "\n" }
        END {
            start = at = after_blanks(1)
            if (word(at) == "module") {
                at += 6
                while (at <= length(text) && word(at) != "where") at = word(at) ? at + length(word(at)) : after_blanks(at + 1)
                header = substr(text, start, at - start)
                gsub(/[^\n]/, "", header)
                printf "%smodule Glotsmith_candidate where%s%s", substr(text, 1, start - 1), header, substr(text, at + 5)
            } else {
                lines = split(substr(text, 1, at - 1), parts, "\n")
                printf "%s\nmodule Glotsmith_candidate where\n", substr(text, 1, at - 1)
                printf "{-# LINE %d \"candidate.hs\" #-}\n%*s%s", lines ? lines : 1, length(parts[lines]), "", substr(text, at)
            }
        }
        function word(at) {
            return match(substr(text, at), /^[A-Za-z0-9_.]+/) ? substr(text, at, RLENGTH) : ""
        }
        function after_blanks(at,    head, two, depth) {
            for (; at <= length(text); ) {
                head = toupper(substr(text, at, 60))
                if (head ~ /^\{-#/ && head !~ /^\{-#[ \t\r\n]*(LANGUAGE|OPTIONS)/) break # it belongs to a declaration
                two = substr(text, at, 2)
                if (two == "--") {
                    at += index(substr(text, at), "\n")
                } else if (two == "{-") {
                    depth = 0
                    do {
                        two = substr(text, at, 2)
                        depth += (two == "{-") - (two == "-}")
                        at += two == "{-" || two == "-}" ? 2 : 1
                    } while (depth > 0 && at <= length(text))
                } else if (two ~ /^[ \t\r\n\f\v]/) {
                    at++
                } else {
                    break
                }
            }
            return at
        }' "$1/candidate.hs" >Glotsmith_candidate.hs
    set -- "$1/driver.hs" -package-db "$2/packages" -package glotsmith
fi
# The compiler allocates 64 MB before it collects garbage: otherwise that takes a fifth of its time.
compile() {
    ghc +RTS -A64m -RTS -v0 -w -O1 -dynamic -package-env - -i. -outputdir . -rtsopts=none -with-rtsopts=-K256m \
        -o program "$@" &&
        [ -x program ] # what runs while it is compiled can end the compiler with success
}
compile "$@" 2>errors && exit
if [ -f Glotsmith_candidate.o ] && grep -q '^[^ ]*driver\.hs:[0-9:]*' errors; then
    # Where types do not match, results are converted, and arguments, unless the candidate takes any type.
    driver=$1
    shift
    sed 's/result (Glotsmith_candidate.*)$/result (Glotsmith.as &)/; s/(Glotsmith.as result/(Glotsmith.as/' "$driver" >results.hs
    sed '/^  Glotsmith\.test/s/ \(a[0-9]*_[0-9]*\)/ (Glotsmith.as \1)/g' results.hs >both.hs
    compile both.hs "$@" 2>again && exit
    compile results.hs "$@" 2>again && exit
    # Beside arguments of any type, those that the compiler names are converted.
    cp results.hs some.hs
    for each in $(sed -nE 's/.*namely ‘a[0-9]+_([0-9]+)’.*/\1/p' errors | sort -u); do
        sed -i "/^  Glotsmith\.test/s/ \(a[0-9]*_$each\)\([ )]\)/ (Glotsmith.as \1)\2/g" some.hs
    done
    cmp -s some.hs results.hs || compile some.hs "$@" 2>again && exit
fi
cat errors >&2
exit 1
