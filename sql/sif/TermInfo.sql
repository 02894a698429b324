-- One row per term of the calendars in scope, of every term schedule.
-- Reads: term_scope, and the crosswalk term_span.
SELECT
    ref_id('TermInfo', t.termID) AS RefId,
    ref_id('SchoolInfo', t.schoolID) AS SchoolInfoRefId,
    t.school_year AS SchoolYear,
    t.startDate AS StartDate,
    t.endDate AS EndDate,
    concat_ws(' ', t.schedule_name, t.term_name) AS Description,
    t.term_name AS TermCode,
    named_struct('Code', coalesce(x.sif, o.sif)) AS TermSpan,
    'Term' AS _source_table,
    CAST(t.termID AS VARCHAR) AS _source_key,
    t.schoolID AS _school_id,
    t.orphan AS _reject,
    unmapped('term_span', t.term_name, coalesce(x.sif, o.sif)) AS _unmapped
FROM term_scope t
LEFT JOIN xwalk_term_span x ON x.code = t.term_name
LEFT JOIN xwalk_term_span o ON o.code = '(default)'
WHERE t.in_scope
