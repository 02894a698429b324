-- One row per grade code, in its two-character form ('1' and '01' are one code): xPress's code.
-- Reads: xwalk_xgrade_level.
SELECT
    lpad(trim(code), greatest(2, character_length(trim(code))), '0') AS code,
    min(sif) AS sif
FROM xwalk_xgrade_level
GROUP BY lpad(trim(code), greatest(2, character_length(trim(code))), '0')
