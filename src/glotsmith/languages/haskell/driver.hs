{-# OPTIONS_GHC -O0 #-}
-- Compiled with candidate.hs, which becomes the module Glotsmith_candidate: neither sees a name of the other.
module Main (main) where

import qualified Glotsmith
import Glotsmith (bool, dict, float, int, list, option, str, tuple, unit)
import qualified Glotsmith_candidate

@{bindings}

result = @{printer}

main :: IO ()
main = Glotsmith.run "@{mark}" $ do
@{cases}
  pure ()
