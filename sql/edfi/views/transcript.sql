-- One row per row of the school year's transcript of a student of the year.
-- Reads: TranscriptCourse, TranscriptCredit, School, student, scope, and the crosswalks
-- transcript_term and attempt_result.
-- Rules: transcripts are history and name course, school and term by number and text; they are not
-- joined to live courses. No term is the whole year. What a score means stands in attempt_result; a
-- score that is not there is the one of (default).
WITH credit AS (
    SELECT
        transcriptID,
        sum(creditsEarned) AS earned,
        sum(creditsAttempted) AS attempted
    FROM TranscriptCredit
    GROUP BY transcriptID
),
school AS (
    SELECT trim(number) AS number, min(schoolID) AS schoolID
    FROM School
    GROUP BY trim(number)
)
SELECT
    t.transcriptID,
    t.personID,
    y.school_year,
    y.local_education_agency_id,
    s.schoolID,
    trim(t.courseNumber) AS course_number,
    trim(t.courseName) AS title,
    nullif(trim(t.score), '') AS score,
    t.percent,
    trim(t.grade) AS grade,
    coalesce(nullif(trim(t.actualTerm), ''), '(default)') AS term_code,
    x.descriptor AS term_descriptor,
    coalesce(r.descriptor, d.descriptor) AS result_descriptor,
    c.earned,
    c.attempted
FROM scope y
CROSS JOIN TranscriptCourse t
JOIN student st ON st.personID = t.personID
LEFT JOIN credit c ON c.transcriptID = t.transcriptID
LEFT JOIN school s ON s.number = trim(t.schoolNumber)
LEFT JOIN xwalk_transcript_term x
    ON x.code = coalesce(nullif(trim(t.actualTerm), ''), '(default)')
LEFT JOIN xwalk_attempt_result r ON r.code = trim(t.score)
LEFT JOIN xwalk_attempt_result d ON d.code = '(default)'
WHERE t.endYear = y.school_year
