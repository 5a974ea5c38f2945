"""Which functions a query may call: a list of what analysis needs, deny by default.

Invariant: nothing here reads the catalogue, the session, files, the network or another query; nothing writes, waits or
makes a value whose size does not follow from the data or from a small literal.
"""

from difflib import get_close_matches
from typing import Final

from app.query.guard.scanner import word_set

AGGREGATES: Final = word_set("""
    count sum avg min max any_value array_agg string_agg bool_and bool_or every bit_and bit_or bit_xor
    json_agg jsonb_agg json_object_agg jsonb_object_agg corr covar_pop covar_samp regr_avgx regr_avgy
    regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp
    var_pop var_samp variance mode percentile_cont percentile_disc grouping
    """)
WINDOWS: Final = word_set("""
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
""")
SCALARS: Final = word_set("""
    coalesce nullif greatest least num_nulls num_nonnulls abs cbrt ceil ceiling degrees div erf erfc exp floor
    gamma gcd lcm lgamma ln log log10 min_scale mod pi power pow radians random random_normal round scale sign
    sqrt trim_scale trunc width_bucket acos acosd asin asind atan atan2 atan2d atand cos cosd cot cotd sin
    sind tan tand sinh cosh tanh asinh acosh atanh ascii bit_length btrim casefold char_length
    character_length chr concat concat_ws format initcap left length lower lpad ltrim md5 normalize
    octet_length overlay position quote_literal regexp_count regexp_instr regexp_like regexp_match
    regexp_replace regexp_split_to_array regexp_substr repeat replace reverse right rpad rtrim split_part
    starts_with string_to_array strpos substr substring to_char to_hex to_number translate unistr upper encode
    decode sha224 sha256 sha384 sha512 crc32 crc32c age clock_timestamp date date_add date_bin date_part
    date_subtract date_trunc isfinite justify_days justify_hours justify_interval make_date make_interval
    make_time make_timestamp make_timestamptz now statement_timestamp timezone to_date to_timestamp
    transaction_timestamp array_append array_cat array_dims array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_reverse array_sort
    array_to_string array_upper cardinality trim_array json_array_length json_build_array json_build_object
    json_extract_path json_extract_path_text json_strip_nulls json_typeof jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_extract_path jsonb_extract_path_text jsonb_path_exists jsonb_path_match
    jsonb_path_query_array jsonb_path_query_first jsonb_pretty jsonb_strip_nulls jsonb_typeof to_json to_jsonb
    array_to_json uuid_extract_timestamp uuid_extract_version
    """)
SETS: Final = word_set("""
    generate_series unnest json_array_elements json_array_elements_text json_each json_each_text
    json_object_keys jsonb_array_elements jsonb_array_elements_text jsonb_each jsonb_each_text
    jsonb_object_keys jsonb_path_query regexp_matches regexp_split_to_table string_to_table
    """)
ALLOWED: Final = AGGREGATES | WINDOWS | SCALARS | SETS

# In FROM a function with several result columns; everywhere else its rows would be whole-row values.
COMPOSITE_SETS: Final = frozenset({"json_each", "json_each_text", "jsonb_each", "jsonb_each_text"})

# What the columns of a function in FROM are called when the statement does not say (pg_proc.proargnames); those of all
# other functions are called as its alias, or else as the function.
RESULT_COLUMNS: Final = dict.fromkeys(COMPOSITE_SETS, ("key", "value")) | dict.fromkeys(
    word_set("json_array_elements json_array_elements_text jsonb_array_elements jsonb_array_elements_text"), ("value",)
)

# make_interval(days => 1): the only call with named arguments.
INTERVAL_ARGUMENTS: Final = frozenset({"years", "months", "weeks", "days", "hours", "mins", "secs"})

MAX_PADDING: Final = 1_000  # characters that lpad, rpad and repeat may make
_NEAREST: Final = {
    "current_setting": "a literal value",
    **dict.fromkeys(("ifnull", "nvl", "isnull"), "coalesce(a, b)"),
    **dict.fromkeys(("if", "iif"), "CASE WHEN … THEN … ELSE … END"),
    **dict.fromkeys(("group_concat", "listagg"), "string_agg(a, ',')"),
    "datediff": "a::date - b::date",
    "dateadd": "a + INTERVAL '1 day'",
    "len": "length(a)",
    "median": "percentile_cont(0.5) WITHIN GROUP (ORDER BY a)",
    "factorial": "a product written out",
    "row": "(a, b)",
    "row_to_json": "json_build_object('name', column)",
    "timeofday": "now()",
    "array_fill": "ARRAY[…]",
}


def nearest_function(name: str) -> str | None:
    """The allowed function or form that is most like `name`, if any is."""
    if name in _NEAREST:
        return _NEAREST[name]
    close = get_close_matches(name, ALLOWED, n=1, cutoff=0.6)
    return f"{close[0]}(…)" if close else None
