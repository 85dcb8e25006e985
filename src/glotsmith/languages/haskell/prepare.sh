# Makes Glotsmith.hs a package in the current folder: packages/, a database, and lib/. Usage: sh prepare.sh FOLDER
set -e
version=$(ghc --numeric-version)
for name in base containers text; do depends="$depends $(ghc-pkg field $name id --simple-output | tail -n 1)"; done
mkdir lib
ghc -v0 -w -O1 -dynamic -hisuf dyn_hi -shared -this-unit-id glotsmith-1 -outputdir lib -package-env - \
    -o "lib/libHSglotsmith-1-ghc$version.so" "$1/Glotsmith.hs"
ghc-pkg init packages
cat >package.conf <<END
name: glotsmith
version: 1
id: glotsmith-1
key: glotsmith-1
exposed: True
exposed-modules: Glotsmith
import-dirs: \${pkgroot}/lib
library-dirs: \${pkgroot}/lib
dynamic-library-dirs: \${pkgroot}/lib
hs-libraries: HSglotsmith-1
depends:$depends
END
ghc-pkg --package-db packages register package.conf >/dev/null
rm package.conf
