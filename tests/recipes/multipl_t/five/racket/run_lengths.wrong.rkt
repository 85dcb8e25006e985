#lang racket

(define (run_lengths text)
  (reverse
   (for/fold ([runs '()]) ([c text])
     (match runs
       [(cons (list (== (string c)) count) rest) (cons (list (string c) (+ count 1)) rest)]
       [_ (cons (list (string c) 0) runs)]))))
