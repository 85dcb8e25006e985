#lang racket

(define (digit_sum n)
  (define digits (number->string (abs n)))
  (if (= (string-length digits) 1)
      (abs n)
      (digit_sum (for/sum ([c digits]) (- (char->integer c) 48)))))
