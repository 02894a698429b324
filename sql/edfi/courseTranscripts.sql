-- One row per student, course, term and result of the school year's transcript.
-- Reads: transcript, person_id, grade_level.
-- Rules: of several rows with one key (a course repeated in the term) the greatest transcriptID
-- stands. The course is named by its number; it must be among the district's courses.
WITH chosen AS (
    SELECT max(transcriptID) AS transcriptID
    FROM transcript
    GROUP BY personID, course_number, coalesce(term_descriptor, term_code), result_descriptor
)
SELECT
    t.attempted AS attemptedCredits,
    t.result_descriptor AS courseAttemptResultDescriptor,
    named_struct(
        'courseCode', t.course_number,
        'educationOrganizationId', t.local_education_agency_id
    ) AS courseReference,
    t.title AS courseTitle,
    t.earned AS earnedCredits,
    t.score AS finalLetterGradeEarned,
    t.percent AS finalNumericGradeEarned,
    named_struct(
        'educationOrganizationId', t.local_education_agency_id,
        'schoolYear', t.school_year,
        'studentUniqueId', i.student_unique_id,
        'termDescriptor', t.term_descriptor
    ) AS studentAcademicRecordReference,
    g.descriptor AS whenTakenGradeLevelDescriptor,
    'TranscriptCourse' AS _source_table,
    CAST(t.transcriptID AS VARCHAR) AS _source_key,
    t.schoolID AS _school_id,
    t.personID AS _person_id,
    CASE WHEN i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    concat_ws('; ',
        unmapped('transcript_term', t.term_code, t.term_descriptor),
        unmapped('grade_level', t.grade, g.descriptor)
    ) AS _unmapped
FROM transcript t
JOIN chosen c ON c.transcriptID = t.transcriptID
JOIN person_id i ON i.personID = t.personID
LEFT JOIN grade_level g ON g.code = lpad(t.grade, greatest(2, character_length(t.grade)), '0')
