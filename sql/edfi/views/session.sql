-- One row per school and term name in scope: what sessions and grading periods are made of.
-- Reads: term_scope, Day, structure_scope, scope.
-- Rules: terms of one name at one school, in whichever structure or calendar, collapse: earliest
-- begin, latest end, lowest sequence, named after the lowest termID. Instructional days are the
-- distinct dates with instruction, in any structure of the school, between begin and end.
WITH term AS (
    SELECT
        schoolID,
        edfi_school_id,
        term_name,
        orphan,
        min(startDate) AS begin_date,
        max(endDate) AS end_date,
        min(seq) AS sequence,
        min(termID) AS termID
    FROM term_scope
    WHERE in_scope
    GROUP BY schoolID, edfi_school_id, term_name, orphan
),
school_day AS (
    SELECT DISTINCT st.schoolID, d.date
    FROM Day d
    JOIN structure_scope st ON st.structureID = d.structureID
    WHERE st.in_scope AND d.instruction IS TRUE
),
counted AS (
    SELECT t.schoolID, t.term_name, count(*) AS days
    FROM term t
    JOIN school_day d
        ON d.schoolID = t.schoolID AND d.date >= t.begin_date AND d.date <= t.end_date
    GROUP BY t.schoolID, t.term_name
)
SELECT
    t.schoolID,
    t.edfi_school_id,
    t.term_name,
    y.school_year,
    concat(y.school_year_name, ' ', t.term_name) AS session_name,
    t.begin_date,
    t.end_date,
    t.sequence,
    t.termID,
    coalesce(c.days, 0) AS instructional_days,
    t.orphan
FROM scope y
CROSS JOIN term t
LEFT JOIN counted c ON c.schoolID = t.schoolID AND c.term_name = t.term_name
