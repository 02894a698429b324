-- One row per student and term of the school year's transcript.
-- Reads: transcript, person_id.
-- Rules: the record is the district's, whatever school the courses were taken at; credits are those
-- of the term's courses; the lowest transcriptID names the source.
WITH record AS (
    SELECT
        personID,
        school_year,
        local_education_agency_id,
        term_descriptor,
        CASE WHEN term_descriptor IS NULL THEN term_code END AS unmapped_code,
        min(transcriptID) AS transcriptID,
        sum(earned) AS earned,
        sum(attempted) AS attempted
    FROM transcript
    GROUP BY
        personID,
        school_year,
        local_education_agency_id,
        term_descriptor,
        CASE WHEN term_descriptor IS NULL THEN term_code END
)
SELECT
    named_struct('educationOrganizationId', r.local_education_agency_id)
        AS educationOrganizationReference,
    named_struct('schoolYear', r.school_year) AS schoolYearTypeReference,
    r.attempted AS sessionAttemptedCredits,
    r.earned AS sessionEarnedCredits,
    named_struct('studentUniqueId', i.student_unique_id) AS studentReference,
    r.term_descriptor AS termDescriptor,
    'TranscriptCourse' AS _source_table,
    CAST(r.transcriptID AS VARCHAR) AS _source_key,
    r.personID AS _person_id,
    CASE WHEN i.student_unique_id IS NULL THEN 'no_edfi_id' END AS _skip,
    unmapped('transcript_term', r.unmapped_code, r.term_descriptor) AS _unmapped
FROM record r
JOIN person_id i ON i.personID = r.personID
