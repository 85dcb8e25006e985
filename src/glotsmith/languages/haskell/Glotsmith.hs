-- A package of its own, made once a machine: what the drivers of all programs share.
{-# LANGUAGE FlexibleContexts, FlexibleInstances, MultiParamTypeClasses, ScopedTypeVariables, UndecidableInstances #-}
module Glotsmith (run, test, As (..), int, float, str, bool, unit, list, tuple, dict, option) where

import Control.Exception (Exception, SomeException, evaluate, fromException, throw, try)
import Control.Monad (when)
import Data.Bits (shiftR, (.&.), (.|.))
import Data.Char (ord)
import Data.Int (Int16, Int32, Int64, Int8)
import Data.IORef (IORef, newIORef, readIORef, writeIORef)
import Data.List (intersperse)
import qualified Data.IntMap as IntMap
import qualified Data.Map as Map
import qualified Data.Sequence as Seq
import qualified Data.Text as Text
import qualified Data.Text.Lazy as Lazy
import Data.Foldable (toList)
import Data.Typeable (Typeable, typeOf)
import Data.Word (Word16, Word32, Word64, Word8)
import Foreign.C.Types (CInt (..), CSize (..))
import Foreign.Marshal.Array (withArrayLen)
import Foreign.Ptr (Ptr, plusPtr)
import GHC.Float (double2Float, float2Double)
import Numeric (showHex)
import Numeric.Natural (Natural)
import System.Exit (ExitCode (..))
import System.IO (hFlush, stdout)
import System.IO.Unsafe (unsafePerformIO)
import System.Posix.Types (CSsize (..))

foreign import ccall unsafe "dup" c_dup :: CInt -> IO CInt
foreign import ccall safe "write" c_write :: CInt -> Ptr Word8 -> CSize -> IO CSsize
foreign import ccall unsafe "_exit" c_exit :: CInt -> IO ()

-- | The mark, and a second way to stdout: the program may close its own.
out :: IORef (String, CInt)
out = unsafePerformIO (newIORef ("", 1))
{-# NOINLINE out #-}

run :: String -> IO () -> IO ()
run mark cases = do
  descriptor <- c_dup 1
  writeIORef out (mark, descriptor)
  emit "start"
  emit "loaded"
  cases
  emit "end"
  c_exit 0

-- | Results are lazy: one is forced to its last character while exceptions are still caught.
test :: Int -> (() -> ShowS) -> IO ()
test index call = do
  done <- try (force (call () ""))
  case done of
    Right value -> emit ("value " ++ show index ++ " " ++ value)
    Left problem -> do
      leave (fromException problem)
      said <- try (force (take 2000 (show (problem :: SomeException))))
      let unknown = const "an exception that cannot be shown" :: SomeException -> String
      emit ("raised " ++ show index ++ " " ++ str (either unknown id said) "")

force :: String -> IO String
force text = evaluate (foldl (flip seq) () text `seq` text)

leave :: Maybe ExitCode -> IO ()
leave Nothing = pure ()
leave (Just code) = do
  flush
  c_exit (case code of ExitSuccess -> 0; ExitFailure n -> fromIntegral n)

flush :: IO ()
flush = do
  done <- try (hFlush stdout) :: IO (Either SomeException ())
  done `seq` pure ()

emit :: String -> IO ()
emit text = do
  flush
  (mark, descriptor) <- readIORef out
  withArrayLen (concatMap utf8 ("\n" ++ mark ++ " " ++ text ++ "\n")) (\n bytes -> write descriptor bytes n)

write :: CInt -> Ptr Word8 -> Int -> IO ()
write descriptor bytes n = when (n > 0) $ do
  written <- fromIntegral <$> c_write descriptor bytes (fromIntegral n)
  when (written < 0) (c_exit 1)
  write descriptor (bytes `plusPtr` written) (n - written)

utf8 :: Char -> [Word8]
utf8 c
  | n < 0x80 = [fromIntegral n]
  | n < 0x800 = [0xC0 .|. top 6, low 0]
  | n < 0x10000 = [0xE0 .|. top 12, low 6, low 0]
  | otherwise = [0xF0 .|. top 18, low 12, low 6, low 0]
  where
    n = ord c
    top bits = fromIntegral (n `shiftR` bits)
    low bits = 0x80 .|. (fromIntegral (n `shiftR` bits) .&. 0x3F)

-- Printers ------------------------------------------------------------------------------------------------------

int :: Int -> ShowS
int = shows

float :: Double -> ShowS
float x = showString "{\"f\":\"" . showString text . showString "\"}"
  where
    text
      | isNaN x = "nan"
      | isInfinite x = if x > 0 then "inf" else "-inf"
      | otherwise = show x

bool :: Bool -> ShowS
bool x = showString (if x then "true" else "false")

unit :: () -> ShowS
unit () = showString "null"

str :: String -> ShowS
str text = showChar '"' . foldr ((.) . char) id text . showChar '"'

char :: Char -> ShowS
char c
  | c == '"' || c == '\\' = showChar '\\' . showChar c
  | n < 32 || n == 127 || (n >= 0xD800 && n < 0xE000) = showString "\\u" . showString (hex n)
  | otherwise = showChar c
  where
    n = ord c
    hex k = let digits = showHex k "" in replicate (4 - length digits) '0' ++ digits

items :: [ShowS] -> ShowS
items = foldr (.) id . intersperse (showChar ',')

list :: (a -> ShowS) -> [a] -> ShowS
list item xs = showChar '[' . items (map item xs) . showChar ']'

tuple :: [ShowS] -> ShowS
tuple xs = showString "{\"t\":[" . items xs . showString "]}"

dict :: (k -> ShowS) -> (v -> ShowS) -> [(k, v)] -> ShowS
dict key value pairs = showString "{\"m\":" . list pair pairs . showChar '}'
  where
    pair (k, v) = showChar '[' . key k . showChar ',' . value v . showChar ']'

option :: (a -> ShowS) -> Maybe a -> ShowS
option = maybe (showString "null")

-- Conversions ---------------------------------------------------------------------------------------------------

newtype Unfit = Unfit String

instance Show Unfit where
  show (Unfit text) = text

instance Exception Unfit

unfit :: (Show a, Typeable b) => a -> b -> b
unfit x y = throw (Unfit (show x ++ " does not fit the declared type " ++ show (typeOf y)))

-- | A value of a signature's type as one that the candidate declares, or the reverse, of a result.
class As a b where
  as :: a -> b

whole :: forall a b. (Integral a, Show a, Integral b, Typeable b) => a -> b
whole x
  | toInteger x < 0 && small = unfit x y
  | toInteger y == toInteger x = y
  | otherwise = unfit x y
  where
    y = fromInteger (toInteger x) :: b
    small = show (typeOf (undefined :: b)) == "Natural"

instance As Int Int where as = id
instance As Double Double where as = id
instance As Bool Bool where as = id
instance As Char Char where as = id
instance As () () where as = id
instance As Int Int8 where as = whole
instance As Int8 Int where as = whole
instance As Int Int16 where as = whole
instance As Int16 Int where as = whole
instance As Int Int32 where as = whole
instance As Int32 Int where as = whole
instance As Int Int64 where as = whole
instance As Int64 Int where as = whole
instance As Int Word where as = whole
instance As Word Int where as = whole
instance As Int Word8 where as = whole
instance As Word8 Int where as = whole
instance As Int Word16 where as = whole
instance As Word16 Int where as = whole
instance As Int Word32 where as = whole
instance As Word32 Int where as = whole
instance As Int Word64 where as = whole
instance As Word64 Int where as = whole
instance As Int Natural where as = whole
instance As Natural Int where as = whole
instance As Int Integer where as = whole
instance As Integer Int where as = whole

instance As Int Double where
  as x = let y = fromIntegral x in if truncate y == toInteger x then y else unfit x y

instance As Int Float where
  as x = let y = fromIntegral x in if truncate y == toInteger x then y else unfit x y

-- | A fraction takes the nearest value; a whole number has to stay what it is.
instance As Double Float where
  as x
    | isNaN x || float2Double y == x || near = y
    | otherwise = unfit x y
    where
      y = double2Float x
      near = not (isInfinite x) && not (isInfinite y) && x /= fromInteger (truncate x) && not (isDenormalized y) && y /= 0

instance As Float Double where as = float2Double
instance As String Text.Text where as = Text.pack
instance As Text.Text String where as = Text.unpack
instance As String Lazy.Text where as = Lazy.pack
instance As Lazy.Text String where as = Lazy.unpack
instance As Char String where as c = [c]
instance As String Char where
  as [c] = c
  as x = unfit x 'c'

instance As a b => As (Maybe a) (Maybe b) where as = fmap as
instance As a b => As [a] [b] where as = map as
instance As a b => As [a] (Seq.Seq b) where as = Seq.fromList . map as
instance As a b => As (Seq.Seq a) [b] where as = map as . toList
instance (As k l, As v w, Ord l) => As [(k, v)] (Map.Map l w) where
  as x = Map.fromList (map as x)

instance (As k l, As v w) => As (Map.Map k v) [(l, w)] where as = map as . Map.toList
instance (As v w, As k Int) => As [(k, v)] (IntMap.IntMap w) where
  as x = IntMap.fromList (map as x)

instance (As Int l, As v w) => As (IntMap.IntMap v) [(l, w)] where as = map as . IntMap.toList
instance (As a0 b0, As a1 b1) => As (a0, a1) (b0, b1) where
  as (a0, a1) = (as a0, as a1)
instance (As a0 b0, As a1 b1, As a2 b2) => As (a0, a1, a2) (b0, b1, b2) where
  as (a0, a1, a2) = (as a0, as a1, as a2)
instance (As a0 b0, As a1 b1, As a2 b2, As a3 b3) => As (a0, a1, a2, a3) (b0, b1, b2, b3) where
  as (a0, a1, a2, a3) = (as a0, as a1, as a2, as a3)
instance (As a0 b0, As a1 b1, As a2 b2, As a3 b3, As a4 b4) => As (a0, a1, a2, a3, a4) (b0, b1, b2, b3, b4) where
  as (a0, a1, a2, a3, a4) = (as a0, as a1, as a2, as a3, as a4)
instance (As a0 b0, As a1 b1, As a2 b2, As a3 b3, As a4 b4, As a5 b5) => As (a0, a1, a2, a3, a4, a5) (b0, b1, b2, b3, b4, b5) where
  as (a0, a1, a2, a3, a4, a5) = (as a0, as a1, as a2, as a3, as a4, as a5)
instance (As a0 b0, As a1 b1, As a2 b2, As a3 b3, As a4 b4, As a5 b5, As a6 b6) => As (a0, a1, a2, a3, a4, a5, a6) (b0, b1, b2, b3, b4, b5, b6) where
  as (a0, a1, a2, a3, a4, a5, a6) = (as a0, as a1, as a2, as a3, as a4, as a5, as a6)
