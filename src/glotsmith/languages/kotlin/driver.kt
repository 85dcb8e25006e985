// What is generated of a program: the arguments of the calls, each in a function of its own, as a method has 64 KB
// at most. Names are imported one by one: such an import goes before what the candidate may define.
@file:JvmName("GlotsmithCalls")

import kotlin.Any
import kotlin.Boolean
import kotlin.Double
import kotlin.Long
import kotlin.Nothing
import kotlin.Pair
import kotlin.String
import kotlin.Triple
import kotlin.arrayOf
import kotlin.collections.List
import kotlin.collections.Map
import kotlin.collections.Set
import kotlin.collections.arrayListOf
import kotlin.collections.hashMapOf
import kotlin.collections.hashSetOf
import kotlin.jvm.JvmName

@{bindings}
@{cases}
