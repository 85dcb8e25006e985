#lang racket

(define (format_duration seconds)
  (define (two n) (~r n #:min-width 2 #:pad-string "0"))
  (define sign (if (negative? seconds) "-" ""))
  (define-values (minutes rest) (quotient/remainder (abs seconds) 60))
  (define hours (quotient minutes 60))
  (if (positive? hours)
      (format "~a~a:~a:~a" sign hours (two (remainder minutes 60)) (two rest))
      (format "~a~a:~a" sign minutes (two rest))))
