#lang racket

(define (count_words text)
  (for/fold ([counts (hash)]) ([word (string-split text " ")]
                               #:unless (string=? word ""))
    (hash-update counts word add1 0)))
