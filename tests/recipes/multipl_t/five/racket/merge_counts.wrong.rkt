#lang racket

(define (merge_counts first second)
  (define merged
    (for/fold ([merged first]) ([(key count) second])
      (hash-update merged key (lambda (before) (+ before count)) 0)))
  (for/hash ([(key count) merged])
    (values key count)))
