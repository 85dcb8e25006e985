#lang racket

(define (min_max xs)
  (if (empty? xs)
      #f
      (list (apply max xs) (apply min xs))))
