#use "support.ml";;
#use "driver.ml";;
exit 2;;
