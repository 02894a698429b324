-- One row per school that is not excluded.
-- Reads: School.
-- Rules: a school without a state number is sent all the same; whether it is refused is for the
-- state to say.
SELECT
    named_struct('districtID', districtID) AS district,
    trim(name) AS name,
    trim(ncesSchoolID) AS ncesSchoolID,
    trim(number) AS number,
    trim(phone) AS phone,
    trim(principalEmail) AS principalEmail,
    trim(principalName) AS principalName,
    schoolID,
    nullif(trim(standardCode), '') AS stateSchoolNumber,
    trim(type) AS type,
    'School' AS _source_table,
    CAST(schoolID AS VARCHAR) AS _source_key,
    schoolID AS _school_id
FROM School
WHERE exclude IS NOT TRUE
